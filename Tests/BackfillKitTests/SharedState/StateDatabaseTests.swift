import Foundation
import Testing

@testable import BackfillKit
@testable import SQLConnectors

@Suite("--state names a folder or a database, and shows no password")
struct StateDatabaseTests {
    @Test("A folder is a folder, whatever it is called", arguments: ["x", "/a/b", "postgresql", "sqlite:x"])
    func folders(text: String) throws {
        let place = try StatePlace(
            text,
            environment: [:],
            current: URL(filePath: "/home/", directoryHint: .isDirectory)
        )
        guard case .folder(let folder) = place else { return #expect(Bool(false), "\(place)") }
        #expect(folder.url.path == (text.hasPrefix("/") ? text : "/home/\(text)"))
    }

    @Test(
        "The schema is taken out of the address, which libpq does not know",
        arguments: [
            ("postgresql://h/d", "backfill", "postgresql://h/d"),
            ("postgres://u@h:5433/d?schema=etl", "etl", "postgres://u@h:5433/d"),
            (
                "postgresql://h/d?sslmode=require&schema=a%20b&connect_timeout=3", "a b",
                "postgresql://h/d?sslmode=require&connect_timeout=3"
            ),
            ("postgresql://h/d?sslmode=require", "backfill", "postgresql://h/d?sslmode=require"),
        ]
    )
    func schema(text: String, schema: String, address: String) throws {
        let database = try StateDatabase(text, environment: [:])
        #expect(database.schema == schema)
        #expect(database.server.connectionInfo == address)
    }

    @Test(
        "libpq's keywords are no folder's name",
        arguments: ["postgresql:host=h password=hunter2", "POSTGRESQL://h/d", "postgres:dbname=d"]
    )
    func keywords(text: String) {
        let error = #expect(throws: StateError.self) { try StatePlace(text, environment: [:]) }
        #expect(error?.description.contains("postgresql://USER@HOST/DATABASE") == true)
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test("A password is never shown; one in a variable is not in the text either")
    func passwords() throws {
        let plain = try StateDatabase("postgresql://anna:hunter2@h/d", environment: [:])
        #expect(plain.showsPassword)
        #expect(!"\(plain)".contains("hunter2"))

        let parameter = try StateDatabase("postgresql://h/d?password=hunter2", environment: [:])
        #expect(parameter.showsPassword)
        #expect(!"\(parameter)".contains("hunter2"))

        let variable = try StateDatabase("postgresql://anna:${PW}@h/d", environment: ["PW": "hunter2"])
        #expect(!variable.showsPassword)
        #expect("\(variable)" == "postgresql://anna:${PW}@h/d")
        #expect(variable.server.connectionInfo == "postgresql://anna:hunter2@h/d")
    }

    @Test(
        "What is wrong is said, without what a variable holds",
        arguments: [
            ("postgresql://u:${PW}@h/d", "PW is not set"), ("postgresql://u:${P W}@h/d", "variable's name"),
            ("postgresql://h/d?schema=", "1 to 63 bytes"), ("postgresql://h/d?schema=pg_x", "pg_"),
            ("postgresql://h/d?sslmod=x", "libpq does not understand"),
        ]
    )
    func wrong(text: String, said: String) {
        let error = #expect(throws: StateError.self) { try StateDatabase(text, environment: [:]) }
        #expect(error?.description.contains(said) == true, "\(error?.description ?? "")")
    }
}
