import { fail, type Verdict } from "./types.ts";

export const LOOK_AT_LINKMESH =
    "check LinkMesh on the machine: systemctl status linkmesh-server; journalctl -u linkmesh-server";

/** For 502, 503 and 504. */
export function linkmeshDown(status: number): Verdict {
    return fail(`${status}: the proxy answers, but LinkMesh behind it does not`, LOOK_AT_LINKMESH);
}

/** For 421. */
export function noSite(host: string): Verdict {
    return fail(
        `421: the proxy has no site for the name ${host}`,
        "check that server_name in the nginx site is exactly this name",
    );
}
