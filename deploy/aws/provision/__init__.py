"""What ``deploy/aws/up`` and ``deploy/aws/down`` do: stacks of CloudFormation, then the cluster in them."""
