# Millrace in an image: docker build -t millrace . && docker run -p 127.0.0.1:8080:8080 -v millrace:/var/lib/millrace millrace
# It runs as a user without rights and writes only below /var/lib/millrace; docker-compose.yml gives it a read-only root.

FROM node:22-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY bench/package.json bench/
COPY test/package.json test/
RUN npm ci --workspaces=false --include=dev --include=optional --no-audit --no-fund
COPY . .
RUN npm run build
# uWebSockets.js brings a quarter of a gigabyte for other systems and other versions of Node.js.
RUN npm prune --workspaces=false --omit=dev --include=optional --no-audit --no-fund \
 && find node_modules -name 'uws_*.node' ! -name "uws_linux_$(node -p 'process.arch + "_" + process.versions.modules').node" -delete

FROM node:22-trixie-slim
ENV NODE_ENV=production
# Reached from outside of the container; docker-compose.yml publishes it on this machine's loopback address alone.
ENV MILLRACE_SERVER_HOST=0.0.0.0
COPY --from=build /app/package.json /app/
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/build /app/build
COPY --from=build /app/bin /app/bin
COPY --from=build /app/docs /app/docs
COPY --from=build /app/config /app/config
# Relative paths of a graph start here: its data.
WORKDIR /var/lib/millrace
RUN chown node:node /var/lib/millrace
VOLUME /var/lib/millrace
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --start-interval=1s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.MILLRACE_SERVER_PORT ?? 8080}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/bin/millrace.js"]
CMD ["run", "/app/config/millrace.yml"]
