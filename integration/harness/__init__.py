"""What the integration tests start and talk to: real brokers, runnel itself, relays, publishers."""
