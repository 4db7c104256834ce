# The service in a container: docs/serving.md describes how to build and run it.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m venv /opt/skcaptcha \
    && /opt/skcaptcha/bin/pip install --no-cache-dir '.[web,skops]'

FROM python:${PYTHON}-slim
# Without a home folder, no joblib model is known to be the user's own: those need --trust.
RUN useradd --system --no-create-home --shell /usr/sbin/nologin skcaptcha
COPY --from=build /opt/skcaptcha /opt/skcaptcha
ENV PATH=/opt/skcaptcha/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER skcaptcha
WORKDIR /models
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD \
    ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# PID 1 gets SIGTERM from `docker stop`, and answers all requests before it ends.
ENTRYPOINT ["skcaptcha", "serve", "--host", "0.0.0.0", "--port", "8000"]
CMD ["model.skops"]
