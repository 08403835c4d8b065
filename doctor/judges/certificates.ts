import { fail, ok, warn } from "../../checks/types.ts";
import { judgeRenewal } from "../../checks/renewal.ts";
import { judgeServed } from "../../checks/served.ts";
import { LETS_ENCRYPT, LETS_ENCRYPT_WEEKLY_LIMIT } from "../../components/settings/schema/types.ts";
import { count, type Facts } from "../facts.ts";
import { orOk, type Judge } from "../finding.ts";
import { time } from "./expected.ts";

const WEEK = 604_800;
const PRODUCTION = LETS_ENCRYPT.production!;

export const judgeCertificate: Judge = (facts) => [judgeServed(facts.text("served"), hostOf(facts))];

/** The public name, which the data volume holds. */
export function hostOf(facts: Facts): string {
    return facts.lines("host")[0]?.split(" ")[1] || "the host";
}

/** A certificate of the user's own is below this folder, or that of one of several machines, and nothing renews either. */
export const judgeRenewals: Judge = (facts) => {
    if (/^file \S+ \/etc\/linkmesh-proxy\/tls\//m.test(facts.text("served"))) {
        const isNode = facts.lines("mounts").includes("none");
        return [
            ok(
                isNode
                    ? "the load balancer has the certificate that clients see"
                    : "the certificate is tlsCertificate, which nothing renews",
            ),
        ];
    }
    return [judgeRenewal(facts.text("renewal"))];
};

/** Orders of the last 7 days against Let's Encrypt's limit for the same names. Other authorities have their own. */
export const judgeOrders: Judge = (facts, { ended }) => {
    const recent = facts
        .parts("orders", 3, " ")
        .map((parts) => parts as [string, string, string])
        .filter(([at, directory]) => count(at) > ended - WEEK && directory === PRODUCTION);
    const limit = LETS_ENCRYPT_WEEKLY_LIMIT;
    const lines = [...new Set(recent.map(([, , names]) => names))].map((names) => {
        const times = recent.filter((order) => order[2] === names).map(([at]) => Number(at));
        return { names: names.replaceAll(",", " and "), count: times.length, next: time(Math.min(...times) + WEEK) };
    });
    return orOk(
        lines
            .filter(({ count }) => count >= limit - 1)
            .map(({ names, count, next }) => {
                const detail = `${names} has had ${count} of ${limit} certificates that Let's Encrypt gives in 7 days`;
                const hint = `the next place is free after ${next}; set acmeDirectory to staging for tries`;
                return count >= limit ? fail(detail, hint) : warn(detail, hint);
            }),
        ok(
            lines.length === 0
                ? "none at Let's Encrypt in the last 7 days"
                : lines.map(({ names, count }) => `${count} of ${limit} in 7 days for ${names}`).join("; "),
        ),
    );
};
