"""Why a score is what it is: Shapley values over declared features."""
