"""The power process: sequence, ramp, cycle and link. It alone owns every bus, pin and contactor.

In come demands from the daemon over the link, and readings from the devices through `chargepoint.ports`. Out go orders to the
devices, and images, trips and the state of each bus to the daemon. Nothing closes without a valid demand and every interlock.
"""
