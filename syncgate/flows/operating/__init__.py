"""What a person decides: deliveries by hand, systems, keys and deployments."""
