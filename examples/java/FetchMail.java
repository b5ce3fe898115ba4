import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Way B in Java, with nothing but the JDK: SOCKS5 with SAP's authentication method 0x80 (java.net.Socket's own SOCKS
 * client does not know it), then IMAP without TLS: behind a TCP TLS mapping the Cloud Connector does that.
 *
 * In one terminal: maco-lab up. In another: java FetchMail.java. Without further settings it uses the addresses and
 * credentials of lab.yaml.
 */
public class FetchMail {
    static final int METHOD = 0x80;
    static final int VIRTUAL_PORT = Integer.parseInt(setting("VIRTUAL_PORT", "993"));
    static final String VIRTUAL_HOST = setting("VIRTUAL_HOST", "mailbox.virtual");

    public static void main(String[] arguments) throws Exception {
        try (Socket socket = new Socket(setting("PROXY_HOST", "127.0.0.1"),
                Integer.parseInt(setting("PROXY_PORT", "20004")))) {
            socket.setSoTimeout(30_000);
            connect(socket, fetchToken(), setting("LOCATION_ID", "WERK1"));
            BufferedReader in = new BufferedReader(
                    new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            OutputStream out = socket.getOutputStream();
            System.out.println(in.readLine());
            ask(in, out, "a1", "LOGIN \"" + setting("MAIL_USER", "gas@stadtwerke.example") + "\" \""
                    + setting("MAIL_PASSWORD", "Gas0815Postfach") + "\"");
            ask(in, out, "a2", "SELECT INBOX");
            System.out.print(ask(in, out, "a3", "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"));
            ask(in, out, "a4", "LOGOUT");
        }
    }

    static String fetchToken() throws IOException, InterruptedException {
        String form = "grant_type=client_credentials&client_id=" + encoded(setting("CLIENT_ID", "maco"))
                + "&client_secret=" + encoded(setting("CLIENT_SECRET", "lab-secret-of-maco"));
        HttpRequest request = HttpRequest
                .newBuilder(URI.create(setting("TOKEN_SERVICE_URL", "http://127.0.0.1:20010") + "/oauth/token"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form)).build();
        String answer = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()
                .send(request, HttpResponse.BodyHandlers.ofString()).body();
        Matcher token = Pattern.compile("\"access_token\"\\s*:\\s*\"([^\"]+)\"").matcher(answer);
        if (!token.find()) throw new IOException("the token service answered: " + answer);
        return token.group(1);
    }

    /** RFC 1928, with the sub-negotiation of the Connectivity service: version 1, token, location ID in base64. */
    static void connect(Socket socket, String token, String locationId) throws IOException {
        DataOutputStream out = new DataOutputStream(socket.getOutputStream());
        DataInputStream in = new DataInputStream(socket.getInputStream());
        out.write(new byte[] {5, 1, (byte) METHOD});
        if (in.readUnsignedShort() != (5 << 8 | METHOD)) throw new IOException("the proxy does not know method 0x80");

        byte[] tokenBytes = token.getBytes(StandardCharsets.US_ASCII);
        byte[] id = Base64.getEncoder().encode(locationId.getBytes(StandardCharsets.UTF_8));
        out.writeByte(1);
        out.writeInt(tokenBytes.length);
        out.write(tokenBytes);
        out.writeByte(id.length);
        out.write(id);
        int status = in.readUnsignedShort() & 0xFF;
        if (status != 0) throw new IOException("the proxy refused the token: status " + status);

        byte[] host = VIRTUAL_HOST.getBytes(StandardCharsets.US_ASCII);
        out.write(new byte[] {5, 1, 0, 3, (byte) host.length});
        out.write(host);
        out.writeShort(VIRTUAL_PORT);
        byte[] reply = in.readNBytes(4);
        if (reply.length < 4 || reply[1] != 0) throw new IOException("the proxy refused: reply " + reply[1]);
        in.readNBytes(switch (reply[3]) {
            case 1 -> 4;
            case 3 -> in.readUnsignedByte();
            default -> 16;
        });
        in.readUnsignedShort();
    }

    /** Just enough IMAP: send a command and return everything up to the line that begins with its tag. */
    static String ask(BufferedReader in, OutputStream out, String tag, String command) throws IOException {
        out.write((tag + " " + command + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
        StringBuilder answer = new StringBuilder();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            answer.append(line).append('\n');
            if (line.startsWith(tag + " OK")) return answer.toString();
            if (line.startsWith(tag + " ")) throw new IOException(line);
        }
        throw new IOException("the connection was closed after: " + answer);
    }

    static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
