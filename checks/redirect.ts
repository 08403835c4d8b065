import { randomBytes } from "node:crypto";
import { CHALLENGES_REFUSED, COVERED_CHALLENGES, DEFAULT_SITE, LITERAL_NAME, WITH_301 } from "./causes.ts";
import { connectTcp } from "./connect.ts";
import { ConnectionError, addressAndPort } from "./connection-error.ts";
import { get, type HttpResponse } from "./http.ts";
import { fail, ok, warn, type Check, type ResolvedTarget } from "./types.ts";

const FORGED = "forged.invalid";

/** Port 80 serves ACME challenges and redirects everything else to https at the literal host name. */
export const redirect: Check = {
    name: "redirect",
    async run(target) {
        const path = "/check?from=port-80";
        const wanted = `https://${target.host}${path}`;
        const [plain, forged, challenge] = await Promise.all([
            ask(target, target.host, path),
            askForged(target, path),
            ask(target, target.host, `/.well-known/acme-challenge/${randomBytes(16).toString("hex")}`),
        ]);

        if (plain.status < 300 || plain.status > 399) {
            return fail(`${plain.status} instead of a redirect to https`, DEFAULT_SITE);
        }
        if (plain.headers.location !== wanted) {
            return fail(`redirects to ${plain.headers.location ?? "nowhere"}, not to ${wanted}`, LITERAL_NAME);
        }
        if (forged?.headers.location !== undefined && forged.headers.location !== wanted) {
            return fail(
                `a request with the Host header ${FORGED} is redirected to ${forged.headers.location}`,
                LITERAL_NAME,
            );
        }
        const fault = target.ownCertificate ? undefined : judgeChallenge(challenge);
        if (fault) return fault;
        if (plain.status !== 301) return warn(`${plain.status} to ${target.host} instead of 301`, WITH_301);
        return ok(`301 to https://${target.host}${target.ownCertificate ? "" : ", ACME challenges served"}`);
    },
};

async function ask(target: ResolvedTarget, host: string, path: string): Promise<HttpResponse> {
    const socket = await connectTcp(target, target.httpPort);
    return get(socket, addressAndPort(target.address, target.httpPort), path, { host }, target.timeoutMs);
}

/** Undefined if the server closes the connection for an unknown name, as some setups do on purpose. */
async function askForged(target: ResolvedTarget, path: string): Promise<HttpResponse | undefined> {
    try {
        return await ask(target, FORGED, path);
    } catch (error) {
        if (error instanceof ConnectionError && error.code === "ECONNRESET") return undefined;
        throw error;
    }
}

function judgeChallenge({ status }: HttpResponse) {
    if (status === 404) return undefined;
    const what = "a request for an unknown ACME challenge returns";
    if (status >= 300 && status <= 399) {
        return fail(
            `${what} ${status} instead of 404: the redirect covers the challenge directory`,
            COVERED_CHALLENGES,
        );
    }
    return fail(`${what} ${status} instead of 404, so renewals may fail`, CHALLENGES_REFUSED);
}
