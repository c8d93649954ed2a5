# One image for the API and the worker: docker-compose.yml runs it with the same npm scripts as everywhere else.
FROM node:24.21-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json .npmrc prisma.config.ts ./
COPY prisma prisma
COPY scripts scripts
RUN npm ci --omit=dev && npm cache clean --force
COPY tsconfig.json ./
COPY src src
USER node
CMD ["npm", "run", "api"]
