"""What takes minutes: images that are built and run, pods that are played, answers under load."""
