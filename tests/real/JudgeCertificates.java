import java.io.FileInputStream;
import java.security.KeyStore;
import java.util.Properties;
import javax.mail.Session;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * Says what Java makes of the certificates of a server that presents another one to each connection.
 *
 * <p>Arguments: who judges ("JSSE" or "JavaMail"), host, port, password of the trust stores; then pairs of a trust store
 * (PKCS#12, or "nothing") and a number of certificates. Prints one line for each certificate: "accepted", or the innermost text of the
 * refusal and, behind a tab, the line that a log begins with, by PKIX and JSSE's check of the name ("LDAPS", which is what Jakarta Mail asks for), or by JavaMail itself
 * with checkserveridentity.
 */
public class JudgeCertificates {
    private static final String GREETED = "judged";
    private static final int PATIENCE_MS = 5_000;

    public static void main(String[] arguments) throws Exception {
        boolean byJavaMail = arguments[0].equals("JavaMail");
        String host = arguments[1];
        int port = Integer.parseInt(arguments[2]);
        char[] password = arguments[3].toCharArray();
        for (int at = 4; at < arguments.length; at += 2) {
            SSLContext context = trusting(arguments[at], password);
            for (int left = Integer.parseInt(arguments[at + 1]); left > 0; left--) {
                System.out.println(byJavaMail ? byJavaMail(context, host, port) : byJsse(context, host, port));
            }
        }
    }

    private static SSLContext trusting(String store, char[] password) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        if (store.equals("nothing")) {
            trusted.load(null, password);
        } else {
            try (FileInputStream file = new FileInputStream(store)) {
                trusted.load(file, password);
            }
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    private static String byJsse(SSLContext context, String host, int port) {
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(host, port)) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("LDAPS");
            socket.setSSLParameters(parameters);
            socket.setSoTimeout(PATIENCE_MS);
            socket.startHandshake();
            return "accepted";
        } catch (Exception error) {
            return innermost(error) + "\t" + oneLine(error.toString());
        }
    }

    private static String byJavaMail(SSLContext context, String host, int port) {
        Properties properties = new Properties();
        properties.put("mail.imaps.ssl.checkserveridentity", "true");
        properties.put("mail.imaps.socketFactory.fallback", "false"); // or it connects again, and trusts others
        properties.put("mail.imaps.timeout", PATIENCE_MS);
        properties.put("mail.imaps.ssl.socketFactory", context.getSocketFactory());
        try {
            Session.getInstance(properties).getStore("imaps").connect(host, port, "nobody", "nothing");
            return "logged in";
        } catch (Exception error) {
            String text = innermost(error);
            return text.contains(GREETED) ? "accepted" : text;
        }
    }

    private static String innermost(Throwable error) {
        while (error.getCause() != null && error.getCause() != error) {
            error = error.getCause();
        }
        return oneLine(error.getMessage());
    }

    private static String oneLine(String text) {
        return text.replace('\n', ' ').replace('\t', ' ');
    }
}
