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
 * <p>Arguments: trust store (PKCS#12), its password, host, port, number of certificates. Prints one line for each
 * certificate: "accepted" or the innermost text of the refusal, by PKIX and JSSE's check of the name ("LDAPS", which is
 * what Jakarta Mail asks for); then one line for each by JavaMail itself with checkserveridentity.
 */
public class JudgeCertificates {
    private static final String GREETED = "judged";
    private static final int PATIENCE_MS = 5_000;

    public static void main(String[] arguments) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        try (FileInputStream file = new FileInputStream(arguments[0])) {
            trusted.load(file, arguments[1].toCharArray());
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        String host = arguments[2];
        int port = Integer.parseInt(arguments[3]);
        int count = Integer.parseInt(arguments[4]);
        for (int i = 0; i < count; i++) {
            System.out.println(byJsse(context, host, port));
        }
        for (int i = 0; i < count; i++) {
            System.out.println(byJavaMail(context, host, port));
        }
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
            return innermost(error);
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
        return error.getMessage().replace('\n', ' ');
    }
}
