"""What a bench is attached to that is not its own: network interfaces and namespaces, an outside car with its keys, serial lines."""
