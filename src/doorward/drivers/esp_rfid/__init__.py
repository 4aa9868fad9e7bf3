"""esp-rfid boards, spoken to through an MQTT broker (firmware 2 of the project esprfid/esp-rfid)."""
