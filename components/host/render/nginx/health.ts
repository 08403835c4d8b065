import { HEALTH_PATH } from "../../../health.ts";
import { HSTS } from "./tls.ts";

/** The program `scripts/machine/health.sh` answers here. */
export const HEALTH_SOCKET = "http://unix:/run/linkmesh-proxy/health.sock";

/** At http level. Each question costs a process on the machine, so all questions share an answer, whatever their query. It is kept in memory. */
export const HEALTH_CACHE =
    "proxy_cache_path /run/linkmesh-health keys_zone=linkmesh_health:32k max_size=1m use_temp_path=off;";

/**
 * For a location. It says only whether, not why.
 * @param question "health" for all that should be well, "serves" for what the machine needs to serve clients
 */
export const healthAnswer = (question: "health" | "serves") => `        limit_except GET {
            deny all;
        }
        proxy_pass ${HEALTH_SOCKET}:/${question === "health" ? "" : question};
        proxy_cache linkmesh_health;
        proxy_cache_key ${question};
        proxy_cache_valid 200 503 2s;
        proxy_cache_lock on;
        proxy_cache_lock_age 30s;
        proxy_cache_lock_timeout 30s;
        proxy_buffering on;
        proxy_read_timeout 30s;
        add_header Cache-Control no-store always;
        ${HSTS}
`;

/** A location of the site of domain. */
export const HEALTH_LOCATION = `    # For monitoring. If nothing answers on the socket, this is 503 as well.
    location = ${HEALTH_PATH} {
${healthAnswer("health")}    }

`;
