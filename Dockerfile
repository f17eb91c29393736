# syntax=docker/dockerfile:1
# docker build --target server -t kbserver .             a server; the store comes as a volume
# docker build --build-arg DOCUMENTS=docs -t agent .     a server with its documents inside; nothing to mount
# What each is for, and what runs where: docs/hosting.md

FROM python:3.12-slim AS build
# The default model needs no PyTorch, so the image has none. To embed with another model, name one of PyTorch's
# indexes: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu  (whl/cu128 for a GPU)
ARG TORCH_INDEX=
ARG TORCH=torch==2.13.0
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/kbserver
ENV PATH=/opt/kbserver/bin:$PATH
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY kbserver kbserver
COPY deploy/install_without_torch.py deploy/
RUN --mount=type=cache,target=/root/.cache/pip \
    if [ -n "$TORCH_INDEX" ]; then \
        pip install --index-url "$TORCH_INDEX" "$TORCH" && pip install '.[s3]' ; \
    else \
        python deploy/install_without_torch.py s3 ; \
    fi
COPY deploy/export_model.py deploy/
# For another language than English: --build-arg MODEL=multilingual-e5-small, which is fetched here, with the torch above
# (its vectors prove that the export is right).
ARG MODEL=all-MiniLM-L6-v2
ENV HF_HOME=/opt/kbserver/hub
RUN python deploy/export_model.py /opt/kbserver/models "$MODEL"

FROM python:3.12-slim AS server
COPY --from=build /opt/kbserver /opt/kbserver
COPY --chmod=755 deploy/entrypoint.sh /usr/local/bin/kbserver-entrypoint
RUN useradd --system --uid 10001 --no-create-home kbserver && install -d -o kbserver -g kbserver /store
ENV PATH=/opt/kbserver/bin:$PATH \
    HF_HOME=/opt/kbserver/hub \
    HF_HUB_OFFLINE=1 \
    KBSERVER_HOST=0.0.0.0 \
    KBSERVER_PORT=8080 \
    KBSERVER_STORE=/store
# No VOLUME: it would discard what the next stage puts there. Mount one:  -v kbserver-store:/store
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=3s --start-period=30s CMD ["python", "-c", "\
import http.client, os; \
server = http.client.HTTPConnection('127.0.0.1', int(os.environ['KBSERVER_PORT']), timeout=2); \
server.request('GET', '/healthz'); \
raise SystemExit(server.getresponse().status != 200)"]
ENTRYPOINT ["kbserver-entrypoint"]
CMD ["serve"]

FROM server AS with-documents
ARG DOCUMENTS=corpora/broadband/docs
ARG CORPUS=documents
ARG MODEL=all-MiniLM-L6-v2
ARG LANGUAGE=english
COPY ${DOCUMENTS} /documents
RUN kbserver-entrypoint ingest /documents --corpus "$CORPUS" --model "$MODEL" --language "$LANGUAGE"
