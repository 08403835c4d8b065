import { connectTls } from "./connect.ts";
import { day, issuer, judgeExpiry, judgeTrust, names, SET_ANOTHER } from "./x509.ts";
import { fail, ok, warn, type Check } from "./types.ts";

/** The public certificate: whom it names, who signed it, and how long it lasts. */
export const certificate: Check = {
    name: "certificate",
    async run(target) {
        const connection = await connectTls(target, target.httpsPort, ["http/1.1"]);
        connection.socket.destroy();
        const trust = judgeTrust(connection, target);
        if (trust.status === "fail") return trust;

        const shown = connection.certificate;
        const { days, status } = judgeExpiry(shown.validFrom, shown.validTo);
        if (status !== "ok") {
            return (status === "fail" ? fail : warn)(
                `the certificate expires in ${days} days, on ${day(shown.validTo)}` +
                    (target.ownCertificate ? ", and nothing renews it" : ": its renewal is late"),
                target.ownCertificate
                    ? SET_ANOTHER
                    : "check on the machine: systemctl status certbot.timer; certbot renew --dry-run",
            );
        }
        if (trust.status === "warn") return trust;
        return ok(
            `${names(shown).join(", ")} by ${issuer(shown)}, ${days} days left (${day(shown.validTo)}), ` +
                `serial ${shown.serialNumber.toLowerCase()}`,
        );
    },
};
