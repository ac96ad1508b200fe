"""What is asked of AWS for an endpoint and for a batch job, as ``--cli-input-json`` takes it.

What only the owner of an account knows stands in angle brackets, as in ``<account-id>``.
"""

from typing import Any

from clickthrough.serving.open_inference import MODEL

IMAGE = "<account-id>.dkr.ecr.<your-region>.amazonaws.com/ctr-service:latest"
ROLE = "arn:aws:iam::<account-id>:role/<sagemaker-role>"
BUCKET = "s3://<bucket>"
_LINES = "application/jsonlines"
_LARGEST_MB = 1
_SHORTEST = len(b"{}\n")
"""Bytes: no line of JSON that is an impression is shorter."""
_MOST_ROWS = (_LARGEST_MB << 20) // _SHORTEST + 1
"""No part of a file of so many megabytes has more impressions; the last may lack its end."""


def named(version: str) -> str:
    """Return the name of a bundle's model in SageMaker."""
    return f"{MODEL}-{version}"


def create_model(version: str) -> dict[str, Any]:
    """Return the model: the service's image, and the bundle as its data.

    It reaches no network: counters are those of the bundle.
    """
    return {
        "ModelName": named(version),
        "PrimaryContainer": {
            "Image": IMAGE,
            "ModelDataUrl": f"{BUCKET}/{named(version)}/model.tar.gz",
            "Environment": {
                "CTR_BUNDLE": "/opt/ml/model",
                "CTR_PORT": "8080",
                "CTR_STORE": "memory",
                "CTR_RUNTIME": "onnx",  # the image has no other, whatever the bundle asks for
            },
        },
        "ExecutionRoleArn": ROLE,
        "EnableNetworkIsolation": True,
    }


def create_endpoint_config(version: str) -> dict[str, Any]:
    """Return where the model runs: two machines, so that one may be replaced."""
    variant = {
        "VariantName": "champion",
        "ModelName": named(version),
        "InitialInstanceCount": 2,
        "InstanceType": "ml.c7i.large",
        "ContainerStartupHealthCheckTimeoutInSeconds": 120,
    }
    return {"EndpointConfigName": named(version), "ProductionVariants": [variant]}


def create_endpoint(version: str) -> dict[str, Any]:
    """Return the endpoint; a later bundle takes it over by ``update-endpoint``."""
    return {"EndpointName": MODEL, "EndpointConfigName": named(version)}


def create_transform_job(version: str) -> dict[str, Any]:
    """Return a job that scores a directory of JSON lines, and leaves a line for each."""
    return {
        "TransformJobName": f"{named(version)}-1",
        "ModelName": named(version),
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": _LARGEST_MB,
        "MaxConcurrentTransforms": 1,
        "Environment": {
            "CTR_MAX_BODY_BYTES": str((_LARGEST_MB + 1) << 20),
            "CTR_MAX_IMPRESSIONS": str(_MOST_ROWS),
        },
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{BUCKET}/impressions/"}
            },
            "ContentType": _LINES,
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": f"{BUCKET}/predictions/",
            "Accept": _LINES,
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.c7i.large", "InstanceCount": 1},
    }
