"""One page that shows what a model is worth: for whoever decides, without a network or scripts."""
