import { RENEWAL_FAILS, SET_ANOTHER } from "./causes.ts";
import { connectTls } from "./connect.ts";
import { day, issuer, judgeExpiry, judgeTrust, names } from "./x509.ts";
import { fail, ok, warn, type Check } from "./types.ts";

/** The public certificate: its names, its issuer and its expiry. */
export const certificate: Check = {
    name: "certificate",
    async run(target) {
        const connection = await connectTls(target, target.httpsPort, ["http/1.1"]);
        connection.socket.destroy();
        const trust = judgeTrust(connection, target);
        if (trust.status === "fail") return trust;

        const presented = connection.certificate;
        const { days, status } = judgeExpiry(presented.validFrom, presented.validTo);
        if (status !== "ok") {
            return (status === "fail" ? fail : warn)(
                `the certificate expires in ${days} days, on ${day(presented.validTo)}` +
                    (target.ownCertificate ? ", and nothing renews it" : ": its renewal is overdue"),
                target.ownCertificate ? SET_ANOTHER : RENEWAL_FAILS,
            );
        }
        if (trust.status === "warn") return trust;
        return ok(
            `${names(presented).join(", ")} by ${issuer(presented)}, ${days} days left (${day(presented.validTo)}), ` +
                `serial ${presented.serialNumber.toLowerCase()}`,
        );
    },
};
