"""Made-up logs whose true click probabilities are known.

``simulate`` writes the layout of Kaggle's 'Outbrain Click Prediction'; ``plain`` an
independent-clicks log for the tabular reader.
"""
