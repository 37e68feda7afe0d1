# Spor as an image: `spor serve` on port 8000, given DATABASE_URL. docs/operations.md says how it is run.
#
# The base is pinned by tag, so that a rebuild brings its security fixes; for a build that can be repeated to the byte,
# pin both lines by digest (python:3.13-slim-trixie@sha256:…). Packages are pinned by hash either way.

FROM python:3.13-slim-trixie AS build

ENV PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /build

# What changes seldom comes first: the packages, all of them wheels, into an environment that has no pip.
COPY requirements-runtime.lock requirements.lock ./
RUN python -m venv --without-pip /opt/spor \
    && python -m pip --python /opt/spor/bin/python install --only-binary :all: --require-hashes \
        --requirement requirements-runtime.lock

# setuptools makes the wheel of Spor and stays behind; its version and hash are those of the lock.
RUN awk '/^[^ ]/ { wanted = /^setuptools==/ } wanted' requirements.lock > setuptools.lock \
    && python -m pip install --require-hashes --requirement setuptools.lock

COPY pyproject.toml README.md ./
COPY migrations migrations
COPY app app
RUN python -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir dist . \
    && python -m pip --python /opt/spor/bin/python install --no-deps --no-index dist/*.whl


FROM python:3.13-slim-trixie

LABEL org.opencontainers.image.title="Spor" \
      org.opencontainers.image.description="Feedback-informed-treatment outcome tracking" \
      org.opencontainers.image.version="0.1.0"

# What serves patients installs nothing.
RUN python -m pip uninstall --yes pip \
    && rm -r "$(python -c 'import ensurepip; print(ensurepip.__path__[0])')"

COPY --from=build /opt/spor /opt/spor

ENV PATH=/opt/spor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SPOR_HOST=0.0.0.0 \
    SPOR_PORT=8000

# A number, so that an orchestrator can see that it is not root. Nothing in the image belongs to it.
USER 10001:10001

WORKDIR /

EXPOSE 8000

STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"SPOR_PORT\"]}/health/live', timeout=2)"]

ENTRYPOINT ["spor"]

CMD ["serve"]
