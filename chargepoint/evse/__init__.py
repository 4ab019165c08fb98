"""One connector from plug to unplug: the session and why it stopped."""
