# The service and the jobs: `docker build -t ctr-service:latest .`, `docker build --target train ...`;
# docs/deploy.md says how they are run.

ARG DEBIAN=trixie

# -- Python, as Debian has it ------------------------------------------------------------------------
FROM debian:${DEBIAN}-slim AS python
# Debian keeps no older versions: a build that names them ends to work with the next fix.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get upgrade -y \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/pip

# -- what serving imports, at the versions and hashes of requirements.lock ---------------------------
FROM python AS packages
COPY requirements.lock /build/
RUN /opt/pip/bin/pip install --no-cache-dir --no-compile --require-hashes --no-deps --only-binary :all: \
        --target /opt/packages --requirement /build/requirements.lock
COPY deploy/image/root.py /build/
RUN python3 /build/root.py /opt/packages /opt/root

# -- the application ---------------------------------------------------------------------------------
FROM packages AS application
COPY LICENSE /opt/clickthrough/
# as it is: a build of a wheel would run what no hash locks
COPY clickthrough /opt/clickthrough/clickthrough
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/clickthrough

# -- the bundle, if it is whole ----------------------------------------------------------------------
FROM application AS bundle
ARG BUNDLE=models
# all that .dockerignore lets through: what is not there cannot be copied by its name
COPY . /context/
RUN PYTHONPATH=/opt/clickthrough:/opt/packages \
    python3 /context/deploy/image/bundle.py "${BUNDLE}" /context /opt/models

# -- what is in the image: `docker build --target sbom --output . .` writes sbom.cdx.json -------------
FROM application AS listed
COPY deploy/image/sbom.py /build/
RUN python3 -m venv /opt/lister \
    && /opt/lister/bin/pip install --no-cache-dir cyclonedx-bom==7.5.0 \
    && PYTHONPATH=/opt/packages /opt/lister/bin/cyclonedx-py environment --output-reproducible \
        --output-file /opt/python.json /usr/bin/python3 \
    && /opt/lister/bin/python /build/sbom.py /opt/python.json /opt/root \
        /opt/clickthrough/clickthrough/_version.py /opt/sbom.cdx.json

FROM scratch AS sbom
COPY --from=listed /opt/sbom.cdx.json /

# -- jobs: training, selection, tuning ---------------------------------------------------------------
FROM python AS train
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/ctr
# torch without the gigabytes of GPU libraries that the default index brings
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY pyproject.toml README.md LICENSE /build/
COPY clickthrough/_version.py /build/clickthrough/
# first what the project needs, which changes less often than its code
RUN /opt/ctr/bin/pip install --no-cache-dir --no-deps --index-url "${TORCH_INDEX}" \
        "$(sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' /build/pyproject.toml)" \
    && /opt/ctr/bin/pip install --no-cache-dir '/build[train,postgres,redis]'
COPY clickthrough /build/clickthrough
RUN /opt/ctr/bin/pip install --no-cache-dir --no-deps --force-reinstall /build
ENV HOME=/tmp
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["/opt/ctr/bin/clickthrough"]
CMD ["--help"]

# -- the service: no shell, no package manager, no file that Python does not load --------------------
FROM scratch AS serve
COPY --from=packages /opt/root /
COPY --from=packages /opt/packages /opt/packages
COPY --from=application /opt/clickthrough /opt/clickthrough
COPY --from=bundle /opt/models /models
LABEL org.opencontainers.image.title="clickthrough" \
    org.opencontainers.image.description="Calibrated click probabilities, learning from events" \
    org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/usr/bin \
    PYTHONPATH=/opt/clickthrough:/opt/packages \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CTR_HOST=0.0.0.0 \
    CTR_PORT=8000 \
    CTR_BUNDLE=/models \
    CTR_STORE=/var/lib/ctr/store.sqlite
USER 10001:10001
VOLUME /var/lib/ctr
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["/usr/bin/python3", "-m", "clickthrough.serving.health_check"]
ENTRYPOINT ["/usr/bin/python3", "-m", "clickthrough"]
CMD ["serve"]
