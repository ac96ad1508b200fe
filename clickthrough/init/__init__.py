"""From a file or directory to a commented configuration: profile, guesses with reasons, text."""
