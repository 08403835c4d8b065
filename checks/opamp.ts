import {
    linkmeshDown,
    look,
    LOOK_AT_LINKMESH,
    middlebox,
    NOT_PROXIED,
    noSite,
    OPEN_TO_ALL,
    otherServer,
    REDIRECT_ON_HTTPS,
    UPGRADE_LOST,
} from "./causes.ts";
import type { HttpResponse } from "./http.ts";
import { fail, ok, warn, type Check, type ResolvedTarget, type Verdict } from "./types.ts";
import { requestWebSocket } from "./websocket.ts";

const PATH = "/v1/opamp";

/** The OpAMP WebSocket: an upgrade without credentials must reach LinkMesh, which must refuse it with 401. */
export const opamp: Check = {
    name: "opamp",
    run: (target) => requestWebSocket(target, PATH, (answer) => judgeHandshake(PATH, answer, target)),
};

const UNEXPECTED: Record<number, (path: string, target: ResolvedTarget) => [detail: string, hint: string]> = {
    101: () => ["the WebSocket opens without credentials", OPEN_TO_ALL],
    200: (path) => [`${path} answers without asking for credentials`, `${NOT_PROXIED}; or ${OPEN_TO_ALL}`],
    400: upgradeLost,
    403: (path, target) => ["a proxy in front of LinkMesh forbids the request", middlebox(target, path)],
    404: (path) => [`${path} does not lead to LinkMesh`, NOT_PROXIED],
    407: (path, target) => ["a proxy on the way asks for a login", middlebox(target, path)],
    426: upgradeLost,
};

function upgradeLost(): [string, string] {
    return ["LinkMesh receives no WebSocket upgrade", UPGRADE_LOST];
}

/** What the answer to a handshake without credentials means. */
export function judgeHandshake(path: string, { status, headers }: HttpResponse, target: ResolvedTarget): Verdict {
    const other = otherServer(headers);
    if (status === 401) {
        if (headers.via === undefined && other !== undefined) {
            return warn(`401, but ${other} answers instead of our nginx`, middlebox(target, path));
        }
        return ok("401: the WebSocket upgrade reaches LinkMesh, which asks for credentials");
    }
    if (other !== undefined) return fail(`${status}: ${other} answers instead of our nginx`, middlebox(target, path));
    if (status === 421) return noSite(target.host);
    if ([502, 503, 504].includes(status)) return linkmeshDown(status);
    if ([301, 302, 307, 308].includes(status)) {
        return fail(
            `${status} to ${headers.location ?? "nowhere"}: a redirect, such as that of port 80, answers instead of LinkMesh`,
            REDIRECT_ON_HTTPS,
        );
    }
    const [detail, hint] = UNEXPECTED[status]?.(path, target) ?? [];
    return detail === undefined
        ? fail(`${status} instead of 401`, `${LOOK_AT_LINKMESH}; ${look(target, path)}`)
        : fail(`${status}: ${detail}`, hint);
}
