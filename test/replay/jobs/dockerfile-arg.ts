import { defineJob } from "./job.ts";

interface Values {
  name: string;
  fallback: string;
  /** Which service hands it in; absent where nobody asked for that. */
  service?: string;
}

/** One step is taken in some runs alone. */
export const dockerfileArg = defineJob<Values>({
  name: "dockerfile-arg",
  family: "images",
  rows: {
    1: { name: "GIT_SHA", fallback: "unknown" },
    2: { name: "REGISTRY", fallback: "https://images.example", service: "api" },
    3: { name: "BUILD_CHANNEL", fallback: "stable" },
    11: { name: "APP_REGION", fallback: "eu-west" },
    12: { name: "THEME", fallback: "harbour", service: "web" },
    13: { name: "NODE_FLAGS", fallback: "--no-warnings" },
    14: { name: "ASSET_HOST", fallback: "cdn.example", service: "edge" },
    15: { name: "BUILD_NUMBER", fallback: "0" },
  },
  briefs: [
    (values) => `Add a build argument ${values.name} to the Dockerfile, default ${values.fallback}.${toWish(values)}`,
    (values) => `the image needs ARG ${values.name} (default: ${values.fallback}).${toWish(values)}`,
    (values) => `Dockerfile: new build arg ${values.name}, default ${values.fallback}.${toWish(values)}`,
    (values) => `Please add the build argument ${values.name} with default ${values.fallback}.${toWish(values)}`,
    (values) => `new ARG ${values.name} in the Dockerfile, default ${values.fallback}.${toWish(values)}`,
    (values) => `We want a Docker build arg called ${values.name}, default ${values.fallback}.${toWish(values)}`,
  ],
  files: ({ service = "app" }) => ({ Dockerfile: toDockerfile(""), "docker-compose.yml": toCompose(service, "") }),
  async act({ name, fallback, service }, hands, seed) {
    await hands.read("Dockerfile");
    const argument = `ARG ${name}=${fallback}\nENV ${name}=$${name}\n`;
    if (seed === 3) await hands.patchInVain("add it", "Dockerfile", "COPY", `${argument}COPY`); // there are two
    await hands.patch("add it", "Dockerfile", ["WORKDIR /app\n", `WORKDIR /app\n${argument}`]);
    if (service !== undefined) {
      await hands.read("docker-compose.yml");
      const place = `  ${service}:\n    build:\n      context: .\n      args:\n`;
      await hands.patch("hand it in", "docker-compose.yml", [place, `${place}        ${name}: ${fallback}\n`]);
    }
    await hands.run("look at it", "grep", "-n", "ARG", "Dockerfile");
  },
  checks: ({ name, fallback, service }) => ({
    "the argument is there": ["grep", "-q", `ARG ${name}=${fallback}`, "Dockerfile"],
    ...(service && { "it is handed in": ["grep", "-q", `${name}: ${fallback}`, "docker-compose.yml"] }),
  }),
  expected: ({ name, fallback, service }) => ({
    Dockerfile: toDockerfile(`ARG ${name}=${fallback}\nENV ${name}=$${name}\n`),
    ...(service && { "docker-compose.yml": toCompose(service, `        ${name}: ${fallback}\n`) }),
  }),
  lookAlike: (_, files) => ({ ...files, Dockerfile: `${toDockerfile("")}\nFROM node:22-slim\n${toDockerfile("")}` }),
});

const toWish = ({ service }: Values): string =>
  service === undefined ? "" : ` The service "${service}" of docker-compose.yml hands it in.`;

function toDockerfile(argument: string): string {
  return `FROM node:22-slim
ARG PORT=8080
WORKDIR /app
${argument}COPY package.json .
COPY src src
CMD ["node", "src/main.js"]
`;
}

function toCompose(service: string, argument: string): string {
  return `services:
  cache:
    image: cache:7
  ${service}:
    build:
      context: .
      args:
${argument}        PORT: 8080
`;
}
