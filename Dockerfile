# One gate process, without root. Mount a site at /site; it writes only to /site/data.
#   docker build -t syncgate .
#   docker run -v "$PWD/my-site:/site" -p 8080:8080 syncgate
# The site's folder must be readable, and its data/ writable, for user 10001.
FROM python:3.11-slim AS build
RUN python -m venv /opt/syncgate
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY syncgate ./syncgate
COPY schemas ./schemas
RUN /opt/syncgate/bin/pip install --no-cache-dir .

FROM python:3.11-slim
COPY --from=build /opt/syncgate /opt/syncgate
RUN useradd --create-home --uid 10001 syncgate && install --directory --owner syncgate /site
ENV PATH=/opt/syncgate/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /site
EXPOSE 8080
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=3)"]
ENTRYPOINT ["syncgate", "--site", "/site"]
CMD ["serve", "--host", "0.0.0.0"]
