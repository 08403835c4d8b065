import { linkmeshDown, LOOK_AT_LINKMESH, noSite } from "./http-verdicts.ts";
import { fail, ok, type Check, type Verdict } from "./types.ts";
import { requestWebSocket } from "./websocket.ts";

/** The OpAMP WebSocket: an upgrade without credentials has to reach LinkMesh, which must refuse it with 401. */
export const opamp: Check = {
    name: "opamp",
    run: (target) =>
        requestWebSocket(target, "/v1/opamp", ({ status, headers }) =>
            judgeHandshake("/v1/opamp", status, target.host, headers.location),
        ),
};

/** What the status of the handshake without credentials means. */
export function judgeHandshake(path: string, status: number, host: string, location?: string): Verdict {
    switch (status) {
        case 401:
            return ok("401: the WebSocket upgrade reaches LinkMesh, which asks for credentials");
        case 400:
        case 426:
            return fail(
                `${status}: LinkMesh saw no WebSocket upgrade, its headers were lost on the way`,
                `have the proxy pass Upgrade and Connection on ${path}, over HTTP/1.1 on both sides`,
            );
        case 101:
            return fail("101: the WebSocket was opened without credentials", "turn LinkMesh's authentication on");
        case 200:
            return fail(
                `200: ${path} answers without asking for credentials`,
                "check that it is LinkMesh's endpoint which answers, with authentication on",
            );
        case 301:
        case 302:
        case 307:
        case 308:
            return fail(
                `${status} to ${location ?? "nowhere"}: the request hit a redirect, as on port 80, and not LinkMesh`,
                "check that the HTTPS port leads to the site that proxies to LinkMesh",
            );
        case 403:
            return fail("403: something before LinkMesh forbids the request", "check the proxy's access rules");
        case 404:
            return fail(`404: ${path} does not lead to LinkMesh`, "check proxy_pass in the nginx site");
        case 421:
            return noSite(host);
        case 502:
        case 503:
        case 504:
            return linkmeshDown(status);
        default:
            return fail(`${status} where 401 was expected`, LOOK_AT_LINKMESH);
    }
}
