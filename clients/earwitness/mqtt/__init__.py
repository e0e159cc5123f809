"""Events as retained MQTT state, with discovery for Home Assistant: `earwitness mqtt`."""
