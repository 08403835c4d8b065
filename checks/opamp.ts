import { linkmeshDown, LOOK_AT_LINKMESH, noSite } from "./http-verdicts.ts";
import { fail, ok, type Check, type Verdict } from "./types.ts";
import { requestWebSocket } from "./websocket.ts";

/** The OpAMP WebSocket: an upgrade without credentials must reach LinkMesh, which must refuse it with 401. */
export const opamp: Check = {
    name: "opamp",
    run: (target) =>
        requestWebSocket(target, "/v1/opamp", ({ status, headers }) =>
            judgeHandshake("/v1/opamp", status, target.host, headers.location),
        ),
};

const UNEXPECTED: Record<number, (path: string) => [detail: string, hint: string]> = {
    101: () => ["the WebSocket opens without credentials", "turn LinkMesh's authentication on"],
    200: (path) => [
        `${path} answers without asking for credentials`,
        "check that LinkMesh itself answers there, with authentication on",
    ],
    400: upgradeLost,
    403: () => ["a proxy in front of LinkMesh forbids the request", "check that proxy's access rules"],
    404: (path) => [`${path} does not lead to LinkMesh`, "check proxy_pass in the nginx site"],
    426: upgradeLost,
};

function upgradeLost(path: string): [string, string] {
    return [
        "LinkMesh receives no WebSocket upgrade, because a proxy drops its headers",
        `pass the headers Upgrade and Connection on ${path}, over HTTP/1.1 on both sides of the proxy`,
    ];
}

/** What the status of a handshake without credentials means. */
export function judgeHandshake(path: string, status: number, host: string, location?: string): Verdict {
    if (status === 401) return ok("401: the WebSocket upgrade reaches LinkMesh, which asks for credentials");
    if (status === 421) return noSite(host);
    if ([502, 503, 504].includes(status)) return linkmeshDown(status);
    if ([301, 302, 307, 308].includes(status)) {
        return fail(
            `${status} to ${location ?? "nowhere"}: a redirect, such as that of port 80, answers instead of LinkMesh`,
            "check that the HTTPS port leads to the site that proxies to LinkMesh",
        );
    }
    const [detail, hint] = UNEXPECTED[status]?.(path) ?? [];
    return detail === undefined
        ? fail(`${status} instead of 401`, LOOK_AT_LINKMESH)
        : fail(`${status}: ${detail}`, hint);
}
