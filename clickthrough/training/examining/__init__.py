"""What a report shows of a model beside its evaluation: on what it rests, and what moved."""
