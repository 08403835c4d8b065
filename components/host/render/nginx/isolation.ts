/** Requests without a key are not counted: in place of limits that another file may have set for all sites. */
export const UNCOUNTED = `limit_req_zone "" zone=linkmesh_requests:32k rate=1r/s;
limit_conn_zone "" zone=linkmesh_uncounted:32k;
`;

/** In place of a limit of sessions. */
export const NO_LIMIT = "limit_conn linkmesh_uncounted 1";

/** What a server says for itself because it would otherwise inherit it from any file that says it for all sites. */
export const ISOLATION = `    # What another file may say for all sites does not count here.
    allow all;
    auth_basic off;
    auth_request off;
    limit_req zone=linkmesh_requests;
    limit_rate 0;`;
