// Git's own server behind HTTPS and one login: Git's HTTP protocol is a CGI program of Git, which runs as another user.
// Bundled with all imports, so that it runs by itself.
import { spawn } from "node:child_process";
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";

export interface GitServerConfig {
    address: string;
    port: number;
    /** PEM, like the key. */
    certificate: string;
    key: string;
    /** Directory with the repositories. */
    root: string;
    user: string;
    token: string;
    /** The user and group as whom Git runs. */
    uid: number;
}

const config = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as GitServerConfig;

createServer({ cert: config.certificate, key: config.key }, (request, response) => {
    if (!isAllowed(request)) {
        response.writeHead(401, { "WWW-Authenticate": 'Basic realm="git"' }).end("a login is required\n");
        return;
    }
    runGit(request, response);
}).listen(config.port, config.address);

function isAllowed({ headers }: IncomingMessage): boolean {
    const digest = (text: string) => createHash("sha256").update(text).digest();
    const wanted = `Basic ${Buffer.from(`${config.user}:${config.token}`).toString("base64")}`;
    return timingSafeEqual(digest(headers.authorization ?? ""), digest(wanted));
}

function runGit(request: IncomingMessage, response: ServerResponse): void {
    const [path = "", query = ""] = (request.url ?? "").split("?");
    const { headers } = request;
    const env: Record<string, string> = {
        PATH: process.env.PATH!,
        GIT_PROJECT_ROOT: config.root,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: path,
        QUERY_STRING: query,
        REQUEST_METHOD: request.method!,
        // With a user, it takes pushes.
        REMOTE_USER: config.user,
        REMOTE_ADDR: request.socket.remoteAddress ?? "",
        CONTENT_TYPE: headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: headers["content-encoding"] ?? "",
        GIT_PROTOCOL: String(headers["git-protocol"] ?? ""),
    };
    const { uid } = config;
    const git = spawn("git", ["http-backend"], { uid, gid: uid, env, cwd: "/", stdio: ["pipe", "pipe", "inherit"] });
    git.on("error", (error) => response.writeHead(500).end(`${error.message}\n`));
    // Git does not notice that its client is gone while it waits for the rest of a request.
    response.on("close", () => git.kill());
    git.stdin.on("error", () => undefined); // It has answered without reading all.
    request.pipe(git.stdin);
    let head = Buffer.alloc(0);
    git.stdout.on("data", function take(chunk: Buffer) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        git.stdout.off("data", take);
        const lines = head.subarray(0, end).toString("latin1").split("\r\n");
        const fields = lines.map((line) => line.split(/: */, 2) as [string, string]);
        const status = Number(fields.find(([name]) => name === "Status")?.[1].split(" ")[0] ?? 200);
        for (const [name, value] of fields) if (name !== "Status") response.setHeader(name, value);
        response.writeHead(status).write(head.subarray(end + 4));
        git.stdout.pipe(response);
    });
    git.on("close", () => response.end());
}
