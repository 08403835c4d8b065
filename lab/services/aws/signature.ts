import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { createHash } from "node:crypto";
import type { Request } from "./http.ts";
import type { Session, Sessions } from "./sessions.ts";

const SKEW_MS = 5 * 60_000;

/** An error as the API words it. */
export class ApiFault extends Error {
    readonly status: number;
    readonly code: string;

    constructor(status: number, code: string, message: string) {
        super(message);
        this.status = status;
        this.code = code;
    }
}

/** The service that a request is signed for. */
export interface SignedFor {
    region: string;
    service: string;
}

/**
 * The session whose credentials signed a request (Signature Version 4, in the header).
 *
 * @throws ApiFault if the signature is missing or wrong
 */
export async function authenticate(
    sessions: Sessions,
    request: Request,
    { region, service }: SignedFor,
    now = Date.now(),
): Promise<Session> {
    const { headers } = request;
    if (!headers.authorization) throw new ApiFault(403, "MissingAuthenticationToken", "Missing Authentication Token");
    const { accessKeyId, date, scope, signed } = parts(headers.authorization);
    const opened = sessions.open(accessKeyId, headers["x-amz-security-token"] ?? "");
    if (!opened) {
        throw new ApiFault(403, "InvalidClientTokenId", "The security token included in the request is invalid.");
    }
    if (opened.session.expires <= now) {
        throw new ApiFault(403, "ExpiredToken", "The security token included in the request is expired");
    }
    const wanted = `${region}/${service}/aws4_request`;
    if (scope !== wanted) throw mismatch(`Credential should be scoped to ${wanted}, not to ${scope}.`);
    const signingDate = timeOf(headers["x-amz-date"] ?? "");
    if (headers["x-amz-date"]?.slice(0, 8) !== date)
        throw mismatch("Date in Credential scope does not match X-Amz-Date.");
    if (Math.abs(signingDate.getTime() - now) > SKEW_MS) {
        throw mismatch(`Signature expired or not yet current: ${headers["x-amz-date"]}`);
    }
    for (const needed of ["host", "x-amz-date", "x-amz-security-token"]) {
        if (!signed.includes(needed)) throw mismatch(`'${needed}' must be a 'SignedHeader' in the AWS Authorization.`);
    }
    // The signer uses this header as the body's hash, so it has to be right.
    const hash = headers["x-amz-content-sha256"];
    if (hash !== undefined && hash !== createHash("sha256").update(request.body).digest("hex")) {
        throw mismatch("The hash of the body is not X-Amz-Content-Sha256.");
    }
    const credentials = {
        accessKeyId,
        secretAccessKey: opened.secretAccessKey,
        sessionToken: headers["x-amz-security-token"],
    };
    const again = await sign(request, signed, credentials, signingDate, { region, service });
    if (again !== headers.authorization.replace(/,\s*/g, ", ")) {
        throw mismatch(
            "The request signature we calculated does not match the signature you provided. " +
                "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
        );
    }
    return opened.session;
}

function parts(authorization: string) {
    const found =
        /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^,]+), *SignedHeaders=([^,]+), *Signature=[0-9a-f]{64}$/;
    const [, accessKeyId, date, scope, signed] = found.exec(authorization) ?? [];
    if (!accessKeyId || !date || !scope || !signed) {
        throw new ApiFault(400, "IncompleteSignature", "Authorization header is not of Signature Version 4.");
    }
    return { accessKeyId, date, scope, signed: signed.split(";") };
}

/** The Authorization header that these credentials give. */
async function sign(
    { method, path, query, headers, body }: Request,
    signed: string[],
    credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
    signingDate: Date,
    { region, service }: SignedFor,
): Promise<string> {
    const signer = new SignatureV4({ credentials, region, service, sha256: Sha256, applyChecksum: false });
    const request = {
        method,
        protocol: "https:",
        hostname: headers.host ?? "",
        path,
        query: Object.fromEntries([...query.keys()].map((name) => [name, query.getAll(name)])),
        headers: Object.fromEntries(signed.map((name) => [name, headers[name] ?? ""])),
        body,
    };
    const done = await signer.sign(request, { signingDate, signableHeaders: new Set(signed) });
    return done.headers.authorization ?? "";
}

/** "20261125T081500Z" */
function timeOf(text: string): Date {
    const iso = text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
    const time = new Date(iso);
    if (Number.isNaN(time.getTime())) throw mismatch("X-Amz-Date is not of the form 20261125T081500Z.");
    return time;
}

function mismatch(message: string): ApiFault {
    return new ApiFault(403, "SignatureDoesNotMatch", message);
}
