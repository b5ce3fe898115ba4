// The values of the API and what they are called on the pages.

export const BACK_END_TYPES = [
  ["abapSys", "ABAP System"],
  ["netweaverCE", "SAP Application Server Java (CE)"],
  ["netweaverGW", "SAP Gateway"],
  ["applServerJava", "SAP Application Server Java"],
  ["BC", "SAP Business Connector"],
  ["PI", "SAP Process Integration"],
  ["hana", "SAP HANA"],
  ["otherSAPsys", "Other SAP System"],
  ["nonSAPsys", "Non-SAP System"],
];

const WITHOUT_TCP = ["netweaverCE", "applServerJava", "BC", "PI"];

export const PROTOCOLS = [
  ["HTTP", "HTTP"],
  ["HTTPS", "HTTPS"],
  ["RFC", "RFC"],
  ["RFCS", "RFC SNC"],
  ["LDAP", "LDAP"],
  ["LDAPS", "LDAPS"],
  ["TCP", "TCP"],
  ["TCPS", "TCP TLS"],
];

export const PRINCIPAL_TYPES = [
  ["NONE", "None"],
  ["NONE_RESTRICTED", "None (the system certificate is never sent)"],
  ["X509_GENERAL", "X.509 Certificate (general usage)"],
  ["X509_RESTRICTED", "X.509 Certificate (strict usage)"],
  ["KERBEROS", "Kerberos"],
];

export const wordOf = (words, value) => words.find(([each]) => each === value)?.[1] ?? value;

export const nameOf = (mapping) => `${mapping.virtualHost}:${mapping.virtualPort}`;

// Whether traffic passes through a mapping here: the lab carries TCP only.
export const isCarried = ({ protocol }) => protocol === "TCP" || protocol === "TCPS";

export const isHttp = ({ protocol }) => protocol === "HTTP" || protocol === "HTTPS";

// The protocols that a type of back end may have, TCP first: the others carry nothing here.
export function protocolsOf(backEndType) {
  const tcp = [
    ["TCP", "TCP", "Bytes are passed on as they are. TLS, if there is any, is the caller's own: STARTTLS on 143."],
    ["TCPS", "TCP TLS", "Older name: TCP SSL. The caller sends plain text, and the connector does TLS with the back end: IMAPS on 993."],
  ];
  const others = PROTOCOLS.filter(([each]) => !isCarried({ protocol: each }));
  return WITHOUT_TCP.includes(backEndType) ? others : [...tcp, ...others];
}
