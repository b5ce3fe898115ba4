import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.mail.BodyPart;
import javax.mail.Flags;
import javax.mail.Folder;
import javax.mail.Message;
import javax.mail.Multipart;
import javax.mail.Session;
import javax.mail.event.MessageCountAdapter;
import javax.mail.event.MessageCountEvent;
import javax.mail.search.SubjectTerm;
import com.sun.mail.imap.IMAPFolder;
import com.sun.mail.imap.IMAPStore;

/**
 * Works in a mailbox with JavaMail's default settings: HOST USER PASSWORD FOLDER, then PROTOCOL PORT of each connection.
 * Reads an attachment (partial FETCH), searches, copies and expunges, and waits in IDLE for one more mail.
 */
public final class MailboxWork {
    public static void main(String[] arguments) throws Exception {
        for (int each = 4; each < arguments.length; each += 2) {
            work(arguments, arguments[each], Integer.parseInt(arguments[each + 1]));
        }
    }

    private static void work(String[] arguments, String protocol, int port) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("mail.imap.starttls.required", "true");
        try (IMAPStore store = (IMAPStore) Session.getInstance(properties).getStore(protocol)) {
            store.connect(arguments[0], port, arguments[1], arguments[2]);
            Folder archive = store.getFolder("Archive " + protocol);
            archive.create(Folder.HOLDS_MESSAGES);
            try (IMAPFolder inbox = (IMAPFolder) store.getFolder("INBOX")) {
                inbox.open(Folder.READ_WRITE);
                Message[] found = inbox.search(new SubjectTerm("UTILMD"));
                BodyPart attachment = ((Multipart) found[0].getContent()).getBodyPart(1);
                Files.copy(attachment.getInputStream(), Path.of(arguments[3], protocol));
                inbox.copyMessages(found, archive);
                inbox.setFlags(found, new Flags(Flags.Flag.DELETED), true);
                System.out.println("expunged " + inbox.expunge().length + " of " + found.length);
                System.out.println("idled for " + idle(inbox, protocol));
            }
        }
    }

    private static String idle(IMAPFolder inbox, String protocol) throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        String[] subject = new String[1];
        inbox.addMessageCountListener(new MessageCountAdapter() {
            @Override
            public void messagesAdded(MessageCountEvent event) {
                try {
                    subject[0] = event.getMessages()[0].getSubject();
                } catch (Exception error) {
                    subject[0] = error.toString();
                }
                arrived.countDown();
            }
        });
        System.out.println("idles by " + protocol);
        System.out.flush();
        inbox.idle(true);
        arrived.await(20, TimeUnit.SECONDS);
        return subject[0];
    }
}
