import { fail, type Verdict } from "./types.ts";

export const LOOK_AT_LINKMESH =
    "check LinkMesh on the machine: systemctl status linkmesh-server; journalctl -u linkmesh-server";

/** For a status by which a proxy tells that its backend is gone. */
export function linkmeshDown(status: number): Verdict {
    return fail(`${status}: the proxy answers, but LinkMesh behind it does not`, LOOK_AT_LINKMESH);
}

/** For the status by which nginx tells that no site has this name. */
export function noSite(host: string): Verdict {
    return fail(
        `421: the proxy has no site for the name ${host}`,
        "check that server_name in the nginx site is exactly this name",
    );
}
