"""The site bus: energy management of the site, an edge terminal and home automation, over MQTT.

The core decides what is published and what an order does; `client.py` alone knows the network.
"""
