# One image a service: docker build --build-arg SERVICE=journey -t rapport/journey .
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS builder
ARG SERVICE
WORKDIR /build
COPY pyproject.toml requirements.lock ./
COPY launcher/image_requirements.py launcher/
# Only what this service needs at run time, each file checked against its hash in the lock.
RUN python launcher/image_requirements.py "${SERVICE:?name a service: --build-arg SERVICE=journey}" > wanted.lock \
    && python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r wanted.lock \
    && /opt/venv/bin/pip uninstall --yes pip
WORKDIR /opt/rapport
COPY libs libs
# All five, because the migrations of all run from any image; a process starts only its own.
COPY services services
RUN test -f "services/${SERVICE}/main.py" && /opt/venv/bin/python -m compileall -q libs services

FROM python:${PYTHON}-slim
ARG SERVICE
ENV SERVICE=${SERVICE} \
    PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/rapport \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    RAPPORT_DATA_DIR=/var/lib/rapport
RUN groupadd --gid 10001 rapport \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin rapport \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/rapport
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /opt/rapport /opt/rapport
WORKDIR /opt/rapport
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/ready', timeout=4)"]
# A shell only to put the service's name in; it becomes the service, which then gets the signals itself.
ENTRYPOINT ["/bin/sh", "-c", "exec python -P -m \"services.${SERVICE}.main\""]
