"""The certification cases of OCPP 2.0.1 Part 6 for a charging station, as programs that judge any station.

In come a station's connection and a way to steer the station's surroundings (`station_under_test`); out goes a verdict per case, with
every check that was made and every frame. The suite is the central system (`central_system`) and never looks into the station.
"""
