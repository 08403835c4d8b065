import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import { DEFAULT_TOKEN_TTL_SECONDS, type Principal } from "./collectors.ts";
import { describeClient } from "./forwarded.ts";
import {
    bearerToken,
    HttpError,
    MAX_MESSAGE_BYTES,
    readBody,
    readJson,
    send,
    sendError,
    sendJson,
    SESSION_COOKIE,
    sessionCookie,
    unauthorized,
} from "./http.ts";
import { log } from "./log.ts";
import { metrics } from "./metrics.ts";
import { answerWithoutUpgrade } from "./opamp.ts";
import { installScript, opampUrl, page } from "./page.ts";
import type { Server } from "./server.ts";
import { VERSION } from "./version.ts";

interface Route {
    /** Who may call it: anybody, any bearer token, or only the service account; who has logged in may do what it may. */
    access: "open" | "token" | "service";
    answer: (server: Server, request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
}

const ROUTES: Record<string, Route> = {
    "GET /": {
        access: "open",
        answer: ({ config }, _, response) => send(response, 200, "text/html; charset=utf-8", page(config)),
    },
    "GET /api/v1/downloads/install-opamp.sh": {
        access: "open",
        answer: ({ config }, _, response) => send(response, 200, "text/x-shellscript", installScript(config)),
    },
    "GET /api/v1/info": {
        access: "token",
        answer: ({ config, authority, sessions }, _, response) =>
            sendJson(response, 200, {
                standIn: true,
                version: VERSION,
                caFingerprint: authority.fingerprint,
                externalUrl: config.externalUrl,
                grpcExternalUrl: config.grpcExternalUrl,
                sessions,
            }),
    },
    "GET /api/v1/whoami": {
        access: "token",
        answer: ({ trusted }, request, response) =>
            sendJson(response, 200, describeClient(request.socket.remoteAddress ?? "", request.headers, trusted)),
    },
    "GET /api/v1/collectors": {
        access: "service",
        answer: async ({ collectors }, _, response) => sendJson(response, 200, { collectors: await collectors.list() }),
    },
    "GET /api/v1/pipelines": {
        access: "service",
        answer: async ({ configStore }, _, response) =>
            sendJson(response, 200, { pipelines: await configStore.list("pipelines") }),
    },
    "POST /api/v1/pipelines": { access: "service", answer: createPipeline },
    "GET /api/v1/metrics": {
        access: "service",
        answer: async (server, _, response) => {
            if (!server.config.metricsEnabled) throw new HttpError(404, "metrics.enabled is false");
            send(response, 200, "text/plain; version=0.0.4; charset=utf-8", await metrics(server));
        },
    },
    "POST /api/v1/login": { access: "service", answer: login },
    "POST /api/v1/enrollment-tokens": { access: "service", answer: mintToken },
    "POST /api/v1/bootstrap": { access: "open", answer: bootstrap },
    "POST /v1/metrics": {
        access: "token",
        answer: async (_, request, response) => {
            await readBody(request, MAX_MESSAGE_BYTES);
            emptyMessage(request, response);
        },
    },
    "POST /collector.v1.CollectorService/GetConfig": {
        access: "token",
        answer: async (_, request, response) => {
            await readBody(request, MAX_MESSAGE_BYTES);
            emptyMessage(request, response);
        },
    },
    "GET /v1/opamp": { access: "open", answer: answerWithoutUpgrade },
    "POST /v1/opamp": { access: "open", answer: answerWithoutUpgrade },
    "GET /v1/agent": { access: "open", answer: answerWithoutUpgrade },
};

/** Answers with a message without fields in the request's encoding: {} in JSON, no bytes in protobuf. */
function emptyMessage(request: IncomingMessage, response: ServerResponse): void {
    const type = request.headers["content-type"] ?? "application/x-protobuf";
    send(response, 200, type, type.startsWith("application/json") ? "{}" : "");
}

async function mintToken({ collectors }: Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { ttlSeconds = DEFAULT_TOKEN_TTL_SECONDS } = await readJson(request);
    if (typeof ttlSeconds !== "number" || !(ttlSeconds > 0))
        throw new HttpError(400, "ttlSeconds must be a positive number");
    sendJson(response, 201, await collectors.mint(ttlSeconds));
}

/** Keeps a pipeline, which is its text, in the config store. */
async function createPipeline({ configStore }: Server, request: IncomingMessage, response: ServerResponse) {
    const { yaml } = await readJson(request);
    if (typeof yaml !== "string") throw new HttpError(400, "yaml must be the text of a pipeline");
    const id = `pip_${randomBytes(8).toString("hex")}`;
    await configStore.write("pipelines", `${id}.yaml`, yaml);
    sendJson(response, 201, { id });
}

/** Logs a browser in. It goes on with the cookie, on whichever instance its next request arrives. */
async function login({ collectors }: Server, _: IncomingMessage, response: ServerResponse): Promise<void> {
    const { cookie, maxAge } = await collectors.openUiSession();
    const flags = `Path=/; Max-Age=${maxAge}; Secure; HttpOnly; SameSite=Lax`;
    response.setHeader("Set-Cookie", `${SESSION_COOKIE}=${cookie}; ${flags}`);
    send(response, 204, "application/json", "");
}

async function bootstrap(server: Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { config, collectors, authority } = server;
    const body = await readJson(request);
    const token = typeof body.token === "string" ? body.token : bearerToken(request);
    if (!token) throw unauthorized();
    const redemption = await collectors.redeem(token, typeof body.hostname === "string" ? body.hostname : "");
    if (redemption.outcome === "unknown") throw unauthorized();
    if (redemption.outcome !== "enrolled") throw new HttpError(410, `the enrollment token is ${redemption.outcome}`);
    const credentials = await collectors.issueCredentials(redemption.collector);
    const client = describeClient(request.socket.remoteAddress ?? "", request.headers, server.trusted);
    log.info(`enrolled ${redemption.collector.id} from ${client.address}`);
    sendJson(response, 200, {
        collectorId: redemption.collector.id,
        caCertificate: authority.caCertificate,
        ...credentials,
        grpcEndpoint: config.grpcExternalUrl,
        opampUrl: opampUrl(config),
    });
}

async function authorize(server: Server, request: IncomingMessage, access: Route["access"]): Promise<void> {
    if (access === "open") return;
    const principal = await identify(server, request);
    if (!principal) throw unauthorized();
    if (access === "service" && principal.kind !== "service") throw new HttpError(403, "a service account is required");
}

async function identify({ collectors }: Server, request: IncomingMessage): Promise<Principal | undefined> {
    const token = bearerToken(request);
    if (token) return collectors.authenticate(token);
    const cookie = sessionCookie(request);
    return cookie && (await collectors.isUiSession(cookie)) ? { kind: "service" } : undefined;
}

async function answer(server: Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const method = request.method === "HEAD" ? "GET" : request.method;
    const route = ROUTES[`${method} ${path}`];
    if (route) {
        await authorize(server, request, route.access);
        return route.answer(server, request, response);
    }
    const isKnown = Object.keys(ROUTES).some((key) => key.endsWith(` ${path}`));
    // As the real API would, tells only authorized clients which paths exist below /api/.
    if (!isKnown && path.startsWith("/api/")) await authorize(server, request, "token");
    throw isKnown ? new HttpError(405, `${request.method} is not allowed here`) : new HttpError(404, "no such page");
}

/** The server of the plain HTTP listener, not listening yet. It does not handle WebSocket upgrades. */
export function createHttpServer(server: Server): HttpServer {
    // As Go's HTTP server, which LinkMesh uses: it keeps idle connections forever and accepts 1 MiB of headers.
    return createServer({ keepAliveTimeout: 0, maxHeaderSize: 1 << 20 }, (request, response) => {
        answer(server, request, response).catch((error: unknown) => {
            if (response.headersSent || response.destroyed) return response.destroy();
            if (error instanceof HttpError) return sendError(response, error);
            log.warn(`${request.method} ${request.url}: ${(error as Error).message}`);
            sendError(response, new HttpError(500, "internal error"));
        });
    });
}
