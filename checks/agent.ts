import { judgeHandshake } from "./opamp.ts";
import type { HttpResponse } from "./http.ts";
import { ok, type Check, type ResolvedTarget, type Verdict } from "./types.ts";
import { requestWebSocket } from "./websocket.ts";

const PATH = "/v1/agent";

/** The WebSocket by which agents of newer LinkMesh versions connect. If it exists, it must answer like OpAMP's. */
export const agent: Check = {
    name: "agent",
    run: (target) => requestWebSocket(target, PATH, (answer) => judgeAgent(answer, target)),
};

/** What the status of a handshake without credentials means. Older LinkMesh versions answer as for any unknown path. */
export function judgeAgent(answer: HttpResponse, target: ResolvedTarget): Verdict {
    const { status } = answer;
    if (status === 401) return ok(`401: agents can connect to wss://${target.host}${PATH}`);
    const isPage = status === 200 || (status >= 300 && status < 400);
    if (status === 404 || isPage)
        return ok(`${status}: this LinkMesh has no ${PATH}, so its agents connect by gRPC only`);
    return judgeHandshake(PATH, answer, target);
}
