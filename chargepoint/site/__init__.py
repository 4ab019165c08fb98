"""The site bus: energy management of the site, an edge terminal and home automation, over MQTT.

In come orders and values of the site's meter. Out go states, capabilities, answers, events and session records.
The core decides what is published and what an order does; `client.py` alone knows the network.
"""
