import type { HttpResponse } from "./http.ts";
import { linkmeshDown, look, middlebox, NO_HSTS, noSite, otherServer, REDIRECT_LOOP } from "./causes.ts";
import { fail, ok, warn, type ResolvedTarget, type Verdict } from "./types.ts";

/** The response to "/" must be 200 or 302, with HSTS. @param trust the verdict on the certificate */
export function judgeWebUi(
    { status, headers }: HttpResponse,
    protocol: string,
    trust: Verdict,
    target: ResolvedTarget,
): Verdict {
    if (status !== 200 && status !== 302) {
        const other = otherServer(headers);
        return other === undefined
            ? unexpected(status, headers.location, target)
            : fail(`${status}: ${other} answers instead of our nginx`, middlebox(target, "/"));
    }
    if (trust.status === "warn") return warn(`${status}, but ${trust.detail}`, trust.hint);
    if (headers["strict-transport-security"] === undefined) {
        return warn(`${status} over ${protocol}, but without HSTS`, NO_HSTS);
    }
    return ok(`${status} over ${protocol}, certificate verified, HSTS on`);
}

function unexpected(status: number, location: string | undefined, target: ResolvedTarget): Verdict {
    switch (status) {
        case 421:
            return noSite(target.host);
        case 502:
        case 503:
        case 504:
            return linkmeshDown(status);
        case 301:
        case 307:
        case 308:
            return fail(`${status} to ${location ?? "nowhere"} instead of 200 or 302`, REDIRECT_LOOP);
        default:
            return fail(`${status} instead of 200 or 302`, look(target, "/"));
    }
}
