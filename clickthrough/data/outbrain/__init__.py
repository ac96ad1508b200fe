"""The Kaggle competition 'Outbrain Click Prediction', as downloaded."""
