import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Properties;
import javax.mail.BodyPart;
import javax.mail.Folder;
import javax.mail.Multipart;
import javax.mail.Session;
import javax.mail.Store;

/** Reads the attachment of the first mail with JavaMail's default settings: HOST PORT USER PASSWORD_FILE TARGET. */
public final class ReadAttachment {
    public static void main(String[] arguments) throws Exception {
        String password = Files.readString(Path.of(arguments[3])).strip();
        try (Store store = Session.getInstance(new Properties()).getStore("imap")) {
            store.connect(arguments[0], Integer.parseInt(arguments[1]), arguments[2], password);
            try (Folder inbox = store.getFolder("INBOX")) {
                inbox.open(Folder.READ_ONLY);
                BodyPart attachment = ((Multipart) inbox.getMessage(1).getContent()).getBodyPart(1);
                Files.copy(attachment.getInputStream(), Path.of(arguments[4]), StandardCopyOption.REPLACE_EXISTING);
                System.out.println(attachment.getFileName());
            }
        }
    }
}
