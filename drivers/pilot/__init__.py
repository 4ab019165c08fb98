"""Control-pilot and IO boards. In: pilot, contactor, discharge and lock as ordered. Out: what the board reads back, with its age."""
