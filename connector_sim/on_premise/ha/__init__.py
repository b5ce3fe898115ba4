"""High availability: a master and its shadow, two Cloud Connectors of which only the master has tunnels."""
